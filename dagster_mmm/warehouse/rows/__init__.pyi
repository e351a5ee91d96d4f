from .bulk import InvalidRowsError as InvalidRowsError
from .bulk import replace_run as replace_run
from .bulk import replace_table as replace_table
from .transfer import arrow_rows as arrow_rows
from .transfer import insert as insert
from .transfer import read as read
