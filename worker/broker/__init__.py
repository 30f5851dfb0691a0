"""All that is overridden of Celery, kombu and billiard, listed in worker.broker.overridden; the
settings of Celery; and what a worker asks its broker and answers over it."""
