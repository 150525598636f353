import inspect
import math
import random
import unittest

import @MODULE@


class Gcd(unittest.TestCase):
    def test_agrees_with_math(self):
        for _ in range(1000):
            a, b = (random.randrange(-(2**63) + 1, 2**63) for _ in range(2))
            self.assertEqual(@MODULE@.gcd(a, b), math.gcd(a, b))

    def test_refuses_what_does_not_fit(self):
        with self.assertRaises(OverflowError):
            @MODULE@.gcd(2**63, 1)


class Fnv1a(unittest.TestCase):
    def test_goes_on_where_it_stopped(self):
        half = @MODULE@.fnv1a(b"foo")
        self.assertEqual(@MODULE@.fnv1a(b"bar", start=half), @MODULE@.fnv1a(b"foobar"))

    def test_wants_bytes(self):
        with self.assertRaises(@MODULE@.EmptyError):
            @MODULE@.fnv1a(b"")
        with self.assertRaises(TypeError):
            @MODULE@.fnv1a("text")

    def test_has_a_signature(self):
        parameters = inspect.signature(@MODULE@.fnv1a).parameters
        self.assertEqual(list(parameters), ["data", "start"])


if __name__ == "__main__":
    unittest.main()
