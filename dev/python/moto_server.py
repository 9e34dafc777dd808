"""moto's server with the few of AWS's managed policies that the tests name.

moto keeps a copy of what it loads for each account, and all of AWS's policies weigh some 40 MB a copy; the tests take an account each.
"""

import json

from moto.iam import models
from moto.server import main

NAMED = ("AWSDenyAll", "AdministratorAccess", "ReadOnlyAccess", "AWSCompromisedKeyQuarantine")

known = json.loads(models.aws_managed_policies_data)
models.aws_managed_policies_data = json.dumps({name: one for name, one in known.items() if name.startswith(NAMED)})
main()
