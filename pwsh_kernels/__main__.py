"""`python -m pwsh_kernels` is `pwsh-kernels`."""

from pwsh_kernels.cli import main

if __name__ == "__main__":
    main()
