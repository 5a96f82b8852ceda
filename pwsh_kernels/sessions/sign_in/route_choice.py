"""How a session signs in: by the requested route, the configured one, or the module's first.

Pure.
"""

from collections.abc import Collection

from pwsh_kernels.catalog import (
    SECRET_FACTS,
    Fact,
    FactName,
    Module,
    Route,
    RouteName,
    Secret,
    Tenant,
    file_keys,
)
from pwsh_kernels.errors import RouteNotConfigured, UnknownSignInRoute

OWN_FACTS: frozenset[FactName] = SECRET_FACTS | {
    "client_id",
    "certificate_file",
    "certificate_thumbprint",
    "identity_id",
}
"""Facts that come only from the tenants file."""


def choose_route(
    tenant: Tenant, module: Module, asked: RouteName | None, given: Collection[FactName] = ()
) -> Route:
    """Return the route of a sign-in.

    `given`: secrets passed in with the request; an access token selects its route.

    Raises UnknownSignInRoute, and RouteNotConfigured that names what is missing.
    """
    handed_in: RouteName | None = "access_token" if "access_token" in given else None
    configured = tenant.access(module.key).route
    name: RouteName = asked or handed_in or configured or module.default_route
    route = module.routes.get(name)
    if route is None:
        raise UnknownSignInRoute(module=module.key, route=name, known=list(module.routes))
    missing = route.missing(known_facts(tenant, module, given))
    if missing:
        needs = [file_keys(alternatives) for alternatives in missing]
        raise RouteNotConfigured(tenant=tenant.name, module=module.key, route=name, missing=needs)
    return route


def known_facts(
    tenant: Tenant, module: Module, given: Collection[FactName] = ()
) -> dict[FactName, Fact | None]:
    """Return the known facts for a sign-in; of secrets only that they are known."""
    secrets = {name: Secret("known") for name in (*tenant.secrets(module.key), *given)}
    return {**tenant.facts(module.key), **module.facts(), **secrets}


def signs_in_alone(tenant: Tenant, module: Module) -> bool:
    """Return whether a session can sign in unattended with the present configuration."""
    try:
        return not choose_route(tenant, module, None).asks_person
    except (UnknownSignInRoute, RouteNotConfigured):
        return False


def _configured(route: Route) -> bool:
    """Return whether a route whose needs are met must have been configured on purpose: a tenant's
    name alone proves nothing.
    """
    return any(fact in OWN_FACTS for need in route.needs for fact in need)


def other_routes(
    tenant: Tenant, module: Module, route: Route
) -> tuple[list[RouteName], list[RouteName]]:
    """Return the names of the routes without a device code: those that could be used now, and those
    to configure.
    """
    facts = known_facts(tenant, module)
    others = [one for one in module.routes.values() if one is not route and not one.asks_person]
    ready = [one.name for one in others if _configured(one) and not one.missing(facts)]
    return ready, [one.name for one in others if one.name not in ready]
