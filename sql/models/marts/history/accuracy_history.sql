{{ believed('mmm_accuracy') }}
