"""Orders: photos that are painted later, by any number of workers, and never lost (the extra `orders`).

The table `orders` is the queue and the truth. A worker takes an order by a lease with a deadline, which it renews
while it paints; an order whose lease ran out is taken by another. Whoever finishes it must still hold the lease, so
that every order is finished once, whatever is killed.
"""
