CAN_RUN_COMMANDS = (
    "This document can run commands (macros or scripts) or carries other files. Save it without them, or as a PDF, and "
    "choose the new file."
)
CANNOT_BE_CHECKED = (
    "This document cannot be checked for macros and scripts: it is encrypted, damaged or built in an unusual way. "
    "Save it again without a password, or print it to a PDF, and choose the new file."
)
