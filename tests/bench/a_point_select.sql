\set id random(1, :rows)
SELECT id, g1k, x, filler FROM acc WHERE id = :id;
