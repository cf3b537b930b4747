"""`python -m easel_serving.remote DIRECTORY HOST:PORT`."""

from easel_serving.registry.remote import main

if __name__ == "__main__":
    main()
