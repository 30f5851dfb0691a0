"""All that is overridden of Celery, kombu and billiard, the settings of Celery, and what a broker is asked and may ask."""
