"""The workers: Celery tasks that store punches, judge them and say what was found.

`celery -A worker` finds worker.celery.
"""
