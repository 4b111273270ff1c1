-- Run in the folder generate.sql wrote to.
\set ON_ERROR_STOP 1
\copy acc from 'acc.csv' with (format csv)
\copy det from 'det.csv' with (format csv)
\copy prod from 'prod.csv' with (format csv)
\copy prod_ref from 'prod.csv' with (format csv)
