"""Settings by section, each declared beside those who use it.

A section is a frozen dataclass (`section`); who loads settings hands in all sections that are known
(`loading`). `url` of the section `chain` is told by any of

    edgemark.toml             the environment                      before there were sections
    [chain]                   EDGEMARK_CHAIN_URL=http://...        chain_url = "http://..."
    url = "http://..."

| file        | what is in it                                                              |
|-------------|----------------------------------------------------------------------------|
| `section`   | how a section and its settings are declared, and what a value of one may be |
| `catalogue` | all settings that are known, by every name, and the nearest one             |
| `settings`  | what is in force: home folder, sections, where each value came from         |
| `loading`   | edgemark.toml < environment `EDGEMARK_*` < command line                     |
| `writing`   | the text of an edgemark.toml                                                |
"""
