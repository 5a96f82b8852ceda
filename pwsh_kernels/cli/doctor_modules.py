"""What `doctor` says about PowerShell modules: whether there is a usable one for each service of a
real tenant.
"""

from collections.abc import Iterable, Iterator, Mapping

from pwsh_kernels.catalog import Catalog, Module, Tenant, TenantsFile, unfit
from pwsh_kernels.cli.findings import Finding
from pwsh_kernels.modules.store import ModuleStore
from pwsh_kernels.settings import Settings


def wanted_modules(settings: Settings) -> list[Module]:
    """Return the services that the tenants file configures for real tenants, each once.

    Raises BrokenFile.
    """
    tenants = TenantsFile(
        settings.tenants_path, settings.tenant_aliases, settings.sharepoint_tenants
    )
    known = Catalog.load(extra=settings.modules_dir).modules
    return [known[key] for key in configured(tenants.current().known.values()) if key in known]


def configured(tenants: Iterable[Tenant]) -> list[str]:
    """Return the keys of the services that real tenants have. Pure."""
    return sorted({key for tenant in tenants if not tenant.sandbox for key in tenant.modules})


def installed_modules(
    settings: Settings, wanted: Iterable[Module], machine: Mapping[str, str]
) -> Iterator[Finding]:
    """Yield damaged modules and then, for each service, the version that a new session finds, or
    how to install one.

    Raises BrokenFile.
    """
    modules = ModuleStore(settings.data_dir)
    yield from damaged_modules(modules)
    store = {name: one.version for name, one in modules.selected().items()}
    for one in wanted:
        yield module_finding(
            one, store.get(one.powershell_module, ""), machine.get(one.powershell_module, "")
        )


def damaged_modules(store: ModuleStore) -> Iterator[Finding]:
    """Yield the modules of new sessions whose files have changed since the installation: sessions
    do not check, which would take 0.1 s for each 100 MB. Raises BrokenFile.
    """
    for one in store.selected().values():
        if one.sha256 and store.differences(one):
            version = one.package_version
            yield Finding(
                "wrong",
                f"{one.name} {version} is not as it was installed: `pwsh-kernels modules verify`"
                f" names the files, `pwsh-kernels modules install {one.name} --version {version}`"
                " fetches it again",
            )


def module_finding(module: Module, ours: str, machine: str) -> Finding:
    """Return the version of a service's module that is found: `ours` comes first, then the
    machine's; "" for none.

    Pure.
    """
    problem = unfit(module, [version for version in (ours, machine) if version])
    if problem:
        return Finding("note" if problem.reason else "wrong", f"{module.key}: {problem.text()}")
    place = "by `modules install`" if ours and not unfit(module, [ours]) else "on this machine"
    version = ours if place.startswith("by") else machine
    return Finding("ok", f"{module.key}: {module.powershell_module} {version} is installed {place}")
