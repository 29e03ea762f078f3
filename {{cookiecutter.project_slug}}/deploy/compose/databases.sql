-- Two databases, each with a user that may use no other. PostgreSQL's image runs this on a volume
-- that is empty as yet, and never again.
\getenv mlflow_password MLFLOW_PASSWORD
\getenv predictions_password PREDICTIONS_PASSWORD
CREATE USER mlflow PASSWORD :'mlflow_password';
CREATE USER predictions PASSWORD :'predictions_password';
CREATE DATABASE mlflow OWNER mlflow;
CREATE DATABASE predictions OWNER predictions;
REVOKE ALL ON DATABASE mlflow, predictions FROM PUBLIC;
