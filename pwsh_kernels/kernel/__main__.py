"""`python -m pwsh_kernels.kernel`: run one kernel."""

from pwsh_kernels.kernel.app import main

if __name__ == "__main__":
    main()
