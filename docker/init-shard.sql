-- Run once by the postgres image on each new shard: the application's role owns its database.
CREATE ROLE app LOGIN PASSWORD 'app';
ALTER DATABASE app OWNER TO app;
