"""The table of a service's pods: where a cluster is asked how they are probed and how they ended."""

from pydantic import Field

from bot.domain.pods import PodsPlan
from bot.settings.routers import DeploymentTable, RolloutsTable
from bot.settings.tables import Address, Table

_LABEL = r"^$|^[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?$"
_OWNERS = {"deployment": "apps/v1/deployments", "rollouts": "argoproj.io/v1alpha1/rollouts"}


class PodsTable(Table):
    """Where the pods of a service are, by their labels; inside of the cluster, token and authority are ours there."""

    api: Address = "https://kubernetes.default.svc"
    namespace: str = Field(pattern=_LABEL.removeprefix("^$|"))
    selector: str = Field(pattern=r"^[A-Za-z0-9_./ ,=!()-]{1,1000}$")
    container: str = Field("", pattern=_LABEL)
    ca_file: str = ""


def pods_plan(table: PodsTable | None, router: object = None) -> PodsPlan | None:
    """Give where pods are found: as it is configured, else those of the router's own Deployment or Rollout."""
    if table is not None:
        return PodsPlan(**dict(table))
    if not isinstance(router, DeploymentTable | RolloutsTable):
        return None
    owner = f"{_OWNERS[router.kind]}/{router.name}"
    return PodsPlan(router.api, router.namespace, owner=owner, ca_file=router.ca_file)
