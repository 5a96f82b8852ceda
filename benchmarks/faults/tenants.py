"""A tenants file with which every session of the sandbox signs in by certificate."""

from pathlib import Path

from tests.fixtures.sandbox import AUTOMATION, CERTIFICATE_PASSWORD, make_certificate

MODULES = ("exo", "graph", "pnp", "azure", "teams")


def write_tenants(folder: Path) -> Path:
    """Write the file, its certificates and their password, once; return it. A fault may have
    removed it.
    """
    file = folder / "tenants.toml"
    if folder.exists():
        return file
    folder.mkdir(mode=0o700, parents=True)
    _write(folder / "password", CERTIFICATE_PASSWORD)
    text = ""
    for name, application in AUTOMATION.items():
        certificate = make_certificate(folder, f"{name}-automation", days=30)
        certificate.chmod(0o600)
        text += f'[[tenant]]\nname = "{name}.example"\n'
        text += "".join(_module(one, application, certificate.name) for one in MODULES)
    _write(file, text)
    return file


def _module(module: str, application: str, certificate: str) -> str:
    return (
        f'[tenant.{module}]\nroute = "certificate"\nclient_id = "{application}"\n'
        f'certificate_file = "{certificate}"\ncertificate_password = {{ file = "password" }}\n'
    )


def _write(file: Path, text: str) -> None:
    file.touch(mode=0o600)
    file.write_text(text, encoding="utf-8")
