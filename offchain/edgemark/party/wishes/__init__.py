"""What a command wants of the party that holds its home: one file a wish, one file an answer.

A journal and a lane belong to one process. A command that finds them held changes nothing by
itself: it leaves a wish in `home/wishes`, and waits for the answer of the party that runs there.

Law 1: a wish is taken once. It is renamed before anything of it is done, so that who withdraws it
       knows whether anything was; one that was under way when its party was killed is never begun
       again, and answered as interrupted.
Law 2: a wish has a time. One whose command is gone is dropped then, undone and unanswered.
Law 3: there are so many wishes, so long, and no more; who leaves none finds none of another's.

| name         | written by | holds                                                       |
|--------------|------------|-------------------------------------------------------------|
| `ID.wish`    | command    | kind, facts, until when it counts                           |
| `ID.taken`   | party      | the same, from when it is done until it is answered         |
| `ID.answer`  | party      | what came of it, or the error; the command removes it       |
"""
