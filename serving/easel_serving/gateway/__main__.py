"""`python -m easel_serving.gateway DIR --server URL`."""

from easel_serving.gateway.app import main

if __name__ == "__main__":
    main()
