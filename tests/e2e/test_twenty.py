"""Twenty daemons from one master: each on an address of its own, and all on one address. The
first of these meshes also loses its master and a member, grows on, and gets them back, while one
of its nodes watches a target that is no other's affair.

test_namespaces.py does the same where every node has a network stack of its own.
"""

import sys
import unittest

import growth


class OwnAddresses(growth.TwentyTest):
    def test_a_life(self):
        self.check_a_life()


class OneAddress(growth.TwentyTest):
    def test_growth(self):
        nodes = self.start_twenty(numbers=[1] * growth.TWENTY)
        self.assertEqual(len({node.address for node in nodes}), 1)
        self.assertEqual(len({node.port for node in nodes}), growth.TWENTY)
        self.check_growth(nodes)


GROUPS = (OwnAddresses, OneAddress)

if __name__ == "__main__":
    if any(not argument.startswith("-") for argument in sys.argv[1:]):
        unittest.main()
    sys.exit(growth.run_side_by_side(GROUPS))
