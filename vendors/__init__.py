"""The companies: registration, qualification, framework agreement (基本契約), suspension."""
