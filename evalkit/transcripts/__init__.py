"""Reference text: the words of a voice's clips, given by the user or heard by an ASR, and how sure they are.

`consensus` chooses among what several passes heard, `book` keeps the choice, `checks` says where text and audio
disagree.
"""
