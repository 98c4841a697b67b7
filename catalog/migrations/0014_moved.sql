-- When its file was moved last, for the story of a file.
ALTER TABLE segment ADD COLUMN moved_ms INTEGER;
