"""A real language model beside the toy: loaded from this machine, asked, labelled by the learner, judged and moved."""
