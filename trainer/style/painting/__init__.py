"""Pictures that are optimised one by one."""
