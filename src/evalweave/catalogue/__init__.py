"""What there is to choose from, declared once: estimators, inference methods, formats.

Plain frozen dataclasses, and nothing heavy is imported: the study file, its JSON schema, `fit`, the
Python functions, the help texts, the report's methods section and the docs all derive from them.
An implementation is named as `module:function` within its room and imported when it is used. No
full names: `used_code` follows those, and a change to an estimator shall not redo the stages that
only read the study file.
"""
