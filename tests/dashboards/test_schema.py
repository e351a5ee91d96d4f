"""A branch's dashboard reads the branch's views: on a server in its schema."""

import pytest
import sqlalchemy as sa
import streamlit as st

from dashboards import data


@pytest.mark.parametrize(("schema", "model"), [("mmm", "production"), ("mmm_pr_7", "branch")])
def test_the_views_are_those_of_the_environments_schema(
    schema: str, model: str, database: sa.URL, monkeypatch: pytest.MonkeyPatch
) -> None:
    st.cache_data.clear()
    engine = sa.create_engine(database)
    with engine.begin() as connection:
        for name, of_it in (("mmm", "production"), ("mmm_pr_7", "branch")):
            connection.execute(sa.schema.CreateSchema(name))
            connection.exec_driver_sql(f"create view {name}.mmm_seen as select '{of_it}' as model")
        connection.exec_driver_sql("create view mmm_pr_7.mmm_of_branch as select 1 as one")
    engine.dispose()
    monkeypatch.setenv("MMM_WAREHOUSE_URL", database.render_as_string(hide_password=False))
    monkeypatch.setenv("MMM_SCHEMA", schema)
    answer = data.ask("select model from mmm.mmm_seen where model <> :none", none="")
    assert list(answer.rows["model"]) == [model]
    assert list(data.ask_now(answer.sql)["model"]) == [model]
    assert data.exists("mmm_of_branch") == (schema == "mmm_pr_7")
