-- Bundles whose members are encrypted: the public keys they are sealed for, one after another, and what the members hold.
ALTER TABLE bundle ADD COLUMN recipients TEXT;
ALTER TABLE bundle_member ADD COLUMN plain_length INTEGER;
ALTER TABLE bundle_member ADD COLUMN plain_sha256 TEXT;
