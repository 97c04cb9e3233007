-- Which entry of the library a decision sends; its type stays in action.
ALTER TABLE queue.interventions ADD COLUMN intervention text;

COMMENT ON COLUMN queue.interventions.intervention IS 'entry of the library; null where decided before entries had names';
