{# Column names come from people's spreadsheets: they hold spaces, dots and quotes. #}
{% macro quoted(identifier) -%}
    {{ adapter.dispatch('quoted', 'mmm')(identifier) }}
{%- endmacro %}

{% macro default__quoted(identifier) -%}
    {{ adapter.quote(identifier | replace('"', '""')) }}
{%- endmacro %}

{# There, a plain name in lower case is one that was written without quotes, as SQLAlchemy has it. #}
{% macro snowflake__quoted(identifier) -%}
    {%- set is_plain = modules.re.fullmatch('[a-z_][a-z0-9_$]*', identifier) -%}
    {{ default__quoted(identifier | upper if is_plain else identifier) }}
{%- endmacro %}


{# A name has no backtick and no backslash there. #}
{% macro bigquery__quoted(identifier) -%}
    {{ adapter.quote(identifier) }}
{%- endmacro %}


{% macro text_literal(text) -%}
    {{ adapter.dispatch('text_literal', 'mmm')(text) }}
{%- endmacro %}

{% macro default__text_literal(text) -%}
    cast({{ dbt.string_literal(dbt.escape_single_quotes(text)) }} as varchar)
{%- endmacro %}

{# There, a backslash stands for itself when it is doubled, and no line ends within quotes. #}
{% macro bigquery__text_literal(text) -%}
    '{{ text
        | replace("\\", "\\\\")
        | replace("'", "\\'")
        | replace("\n", "\\n")
        | replace("\r", "\\r") }}'
{%- endmacro %}


{# A text with every match of a pattern replaced. The pattern has what all databases read: classes,
   groups, alternatives and counts, and anchors only where one match is all there can be. #}
{% macro replaced(text, pattern, replacement) -%}
    {{ adapter.dispatch('replaced', 'mmm')(text, pattern, replacement) }}
{%- endmacro %}

{% macro default__replaced(text, pattern, replacement) -%}
    regexp_replace({{ text }}, '{{ pattern | replace("'", "''") }}', '{{ replacement }}', 'g')
{%- endmacro %}

{# There, a backslash in a literal stands for itself when it is doubled. #}
{% macro snowflake__replaced(text, pattern, replacement) -%}
    regexp_replace(
        {{ text }},
        '{{ pattern | replace("'", "''") | replace("\\", "\\\\") }}',
        '{{ replacement | replace("\\", "\\\\") }}'
    )
{%- endmacro %}


{% macro bigquery__replaced(text, pattern, replacement) -%}
    regexp_replace(
        {{ text }}, {{ bigquery__text_literal(pattern) }}, {{ bigquery__text_literal(replacement) }}
    )
{%- endmacro %}


{# A text without what cannot be seen: invisible characters, spaces around it or doubled, and the
   capitals of A to Z, for of other letters the databases differ. `spelling.py` has the same. #}
{% macro folded(text) -%}
    {%- set invisible = '[\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2064\ufeff]' -%}
    {%- set blank = '[ \t\n\x0b\x0c\r\u0085\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]+' -%}
    translate(
        trim({{ replaced(replaced(text, invisible, ''), blank, ' ') }}),
        'ABCDEFGHIJKLMNOPQRSTUVWXYZ',
        'abcdefghijklmnopqrstuvwxyz'
    )
{%- endmacro %}


{# The calendar day as written: a time zone must not move a row into another week. #}
{% macro iso_date(text) -%}
    {{ adapter.dispatch('iso_date', 'mmm')(text) }}
{%- endmacro %}

{% macro duckdb__iso_date(text) -%}
    case
        when
            regexp_full_match(trim({{ text }}), '\d{4}-\d{2}-\d{2}([T ]\d{2}:\d{2}.*)?')
            -- Read as the year before the first.
            and left(trim({{ text }}), 4) <> '0000'
            then try_cast(left(trim({{ text }}), 10) as date)
    end
{%- endmacro %}

{# What is not a day of the calendar is null: the pattern alone admits a 31st of February. #}
{% macro snowflake__iso_date(text) -%}
    case
        when
            {{ matches('trim(' ~ text ~ ')', '[0-9]{4}-[0-9]{2}-[0-9]{2}([T ][0-9]{2}:[0-9]{2}.*)?') }}
            and left(trim({{ text }}), 4) <> '0000'
            then try_to_date(left(trim({{ text }}), 10), 'YYYY-MM-DD')
    end
{%- endmacro %}

{# What is not a day of the calendar is null, as is the year before the first. #}
{% macro bigquery__iso_date(text) -%}
    case
        when
            {{ matches('trim(' ~ text ~ ')', '[0-9]{4}-[0-9]{2}-[0-9]{2}([T ][0-9]{2}:[0-9]{2}.*)?') }}
            then safe_cast(left(trim({{ text }}), 10) as date)
    end
{%- endmacro %}

{# Before Postgres 16 there is no cast that gives null where it fails: what passes here is a day. #}
{% macro postgres__iso_date(text) -%}
    case
        when
            trim({{ text }}) ~ '^(?!0000)\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])([T ]\d{2}:\d{2}.*)?$'
            and substr(trim({{ text }}), 9, 2) <= to_char(
                to_date(substr(trim({{ text }}), 1, 7), 'YYYY-MM') + interval '1 month - 1 day', 'DD'
            )
            then cast(left(trim({{ text }}), 10) as date)
    end
{%- endmacro %}


{# A date far from any campaign, such as 9999-12-31, stands for one that is not known, and the weeks
   up to it would be millions of rows. #}
{% macro plausible_day(day) -%}
    case when {{ day }} between date '1990-01-01' and date '2099-12-31' then {{ day }} end
{%- endmacro %}


{# A date as an ISO text, if the input writes its dates in another order; ISO texts stay as they are. #}
{% macro iso_text(column, input) -%}
    {%- set text = 'cast(' ~ column ~ ' as ' ~ text_type() ~ ')' -%}
    {%- set order = {
        'mdy': ['([0-9]{2})[/. -]([0-9]{2})[/. -]', '\\1-\\2'],
        'dmy': ['([0-9]{2})[/. -]([0-9]{2})[/. -]', '\\2-\\1'],
    } -%}
    {%- if input.date_format in order -%}
    {%- set days, month_day = order[input.date_format] -%}
    {{ replaced(
        replaced(padded_day(text), '^' ~ days ~ '([0-9]{4})', '\\3-' ~ month_day),
        '^' ~ days ~ '([0-9]{2})($|[ T])',
        '20\\3-' ~ month_day ~ '\\4'
    ) }}
    {%- elif input.date_format == 'ymd' -%}
    {{ replaced(
        padded_day(text), '^([0-9]{4})[/. -]?([0-9]{2})[/. -]?([0-9]{2})', '\\1-\\2-\\3'
    ) }}
    {%- else -%}
    {{ text }}
    {%- endif %}
{%- endmacro %}

{# With two digits for a day, a month and an hour; twice, for marks are shared by their neighbours. #}
{% macro padded_day(text) -%}
    {%- set one_digit = '(^|[/. -])([0-9])([/. :T-]|$)' -%}
    {%- set once = replaced('trim(' ~ text ~ ')', one_digit, '\\10\\2\\3') -%}
    {{ replaced(once, one_digit, '\\10\\2\\3') }}
{%- endmacro %}


{# A text's number without the sign of the input's currency and the mark between thousands, and with
   a point; null where the marks stand elsewhere. Of columns that are no text, the number as it is. #}
{% macro plain_number(column, input) -%}
    {%- set text = 'cast(' ~ column ~ ' as ' ~ text_type() ~ ')' -%}
    {%- set marks = {'.': '[.]', ',': ',', ' ': '[ \u00a0\u202f]', "'": "['\u2019]"} -%}
    {%- set money = input.money or '' -%}
    {%- set bare -%}
    {%- if money -%}
    {{ replaced(
        replaced(text, '^\\s*([+-]?)\\s*(' ~ money ~ ')\\s*', '\\1'),
        '\\s*(' ~ money ~ ')\\s*$',
        ''
    ) }}
    {%- else -%}
    {{ text }}
    {%- endif -%}
    {%- endset -%}
    {%- set point = marks[input.decimal or '.'] -%}
    case
        when not {{ is_text(column) }} then {{ text }}
        {%- if input.thousands %}
        {%- set mark = marks[input.thousands] %}
        when
            {{ matches(bare, '\\s*[+-]?([0-9]{1,3}(' ~ mark ~ '[0-9]{3})+|[0-9]+)(' ~ point ~ '[0-9]*)?([eE][+-]?[0-9]{1,3})?\\s*') }}
            then {{ replaced(replaced(bare, mark, ''), point, '.') }}
        {%- elif input.decimal == ',' %}
        when {{ matches(bare, '[^.]*') }} then {{ replaced(bare, ',', '.') }}
        {%- else %}
        else {{ bare }}
        {%- endif %}
    end
{%- endmacro %}

{% macro is_text(column) -%}
    {{ adapter.dispatch('is_text', 'mmm')(column) }}
{%- endmacro %}

{% macro duckdb__is_text(column) -%}
    typeof({{ column }}) = 'VARCHAR'
{%- endmacro %}

{% macro postgres__is_text(column) -%}
    cast(pg_typeof({{ column }}) as varchar) in ('text', 'character varying', 'character')
{%- endmacro %}

{% macro snowflake__is_text(column) -%}
    typeof(to_variant({{ column }})) = 'VARCHAR'
{%- endmacro %}

{# There is no function for the type of a column; of no text but a day is the JSON a string. #}
{% macro bigquery__is_text(column) -%}
    json_type(to_json({{ column }})) = 'string'
{%- endmacro %}

{# Whether a pattern is of the whole text. #}
{% macro matches(text, pattern) -%}
    {{ adapter.dispatch('matches', 'mmm')(text, pattern) }}
{%- endmacro %}

{% macro duckdb__matches(text, pattern) -%}
    regexp_full_match({{ text }}, '{{ pattern | replace("'", "''") }}')
{%- endmacro %}

{% macro postgres__matches(text, pattern) -%}
    {{ text }} ~ '^({{ pattern | replace("'", "''") }})$'
{%- endmacro %}

{% macro snowflake__matches(text, pattern) -%}
    regexp_like({{ text }}, '{{ pattern | replace("'", "''") | replace("\\", "\\\\") }}')
{%- endmacro %}


{% macro bigquery__matches(text, pattern) -%}
    regexp_contains({{ text }}, {{ bigquery__text_literal('^(' ~ pattern ~ ')$') }})
{%- endmacro %}


{# NaN and infinity are readable to a database, but not to a model. #}
{% macro finite_number(text) -%}
    {{ adapter.dispatch('finite_number', 'mmm')(text) }}
{%- endmacro %}

{% macro duckdb__finite_number(text) -%}
    case
        when isfinite(try_cast({{ text }} as double precision))
            then try_cast({{ text }} as double precision)
    end
{%- endmacro %}

{# The same without a cast that gives null where it fails; too large for a double is unreadable. #}
{% macro postgres__finite_number(text) -%}
    case
        when
            {{ text }} ~ '^\s*[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,3})?\s*$'
            and length({{ text }}) < 400
            then case
                when abs(cast({{ text }} as numeric)) < 2.5e-324 then 0
                when abs(cast({{ text }} as numeric)) <= 1.7976931348623157e308
                    then cast({{ text }} as double precision)
            end
    end
{%- endmacro %}

{# `try_cast` reads 'NaN' and 'inf' as numbers; too large for a double is unreadable. #}
{% macro snowflake__finite_number(text) -%}
    case
        when
            {{ matches(text, '\\s*[+-]?([0-9]+[.]?[0-9]*|[.][0-9]+)([eE][+-]?[0-9]{1,3})?\\s*') }}
            and abs(try_to_double(trim({{ text }}))) <= 1.7976931348623157e308
            then try_to_double(trim({{ text }}))
    end
{%- endmacro %}

{# There, too, 'NaN' and 'inf' would be read as numbers. #}
{% macro bigquery__finite_number(text) -%}
    case
        when
            {{ matches(text, '\\s*[+-]?([0-9]+[.]?[0-9]*|[.][0-9]+)([eE][+-]?[0-9]{1,3})?\\s*') }}
            and abs(safe_cast(trim({{ text }}) as float64)) <= 1.7976931348623157e308
            then safe_cast(trim({{ text }}) as float64)
    end
{%- endmacro %}
