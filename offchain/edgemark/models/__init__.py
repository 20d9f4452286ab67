"""Models of others as functions over F_q: scikit-learn and ONNX in, polynomial and plan out.

| part          | does                                                                        |
|---------------|-----------------------------------------------------------------------------|
| `estimators`  | fitted scikit-learn model -> steps of plain numbers                         |
| `description` | steps <-> JSON model file                                                   |
| `onnx`        | ONNX graph of Gemm, MatMul, Add, Mul, squares -> traced model               |
| `traced`      | runs a model on symbols: exact polynomial, magnitude, roundoff of each value |
| `compiling`   | traced model -> function over F_q, at a scale at which nothing wraps        |
| `spread`      | refuses a bound that is as wide as what the model says                      |
| `plan`        | what encodes rows and decodes answers, with the stated error bound          |
| `table`       | CSV of a user -> rows, answers -> CSV                                       |

All of it is pure but `files`, which reads and writes them. numpy, onnx and scikit-learn are not
imported before a model of theirs is given.
"""
