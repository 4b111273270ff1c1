\set id random(1, :rows)
\set d random(-5000, 5000)
UPDATE acc SET x = x + :d WHERE id = :id;
