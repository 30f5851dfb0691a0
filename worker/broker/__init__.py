"""The settings of Celery, and all that is overridden of it, of kombu and of billiard.

worker.broker.overridden lists what is. Here is also what a worker asks its broker, and how it
answers those who ask over it.
"""
