#!/usr/bin/env python3
"""Which answers does a published result make certain?

Reads one job a line from standard input and prints one line of JSON for each. A job has, as JSON:

  classes   the number of classes
  items     for each item, the class that each of its contributors answered (the truth, of which the solver is told nothing but `known`)
  quorum    the fewest votes for a label
  labels    for each item, the published class, or null for none
  totals    [class, least, most] for each published total of a class
  pairs     [least, most] of the ordered pairs of equal answers to one item, or null
  known     [item, place] of the answers that the reader of the result gave itself
  seconds   how long the solver may take for the job

An answer is certain if the solver proves that no other answer in its place fits everything that was published. Printed are `asked`, the
answers that the reader did not give itself; `certain`, those of them that are certain; `undecided`, those for which time ran out; and
`fits`, whether the truth fits what was published.
"""
import itertools
import json
import sys
import time

from ortools.sat.python import cp_model


def model_of(job):
    model = cp_model.CpModel()
    classes = range(job["classes"])
    answers = [[[model.new_bool_var("") for _ in classes] for _ in item] for item in job["items"]]
    for answer in itertools.chain.from_iterable(answers):
        model.add_exactly_one(answer)
    tallies = [[sum(answer[k] for answer in item) for k in classes] for item in answers]
    for tally, label in zip(tallies, job["labels"]):
        if label is None:
            for k in classes:
                model.add(tally[k] < job["quorum"])
            continue
        model.add(tally[label] >= job["quorum"])
        for k in classes:
            if k < label:
                model.add(tally[label] > tally[k])
            elif k > label:
                model.add(tally[label] >= tally[k])
    for k, least, most in job["totals"]:
        model.add_linear_constraint(sum(tally[k] for tally in tallies), least, most)
    if job["pairs"] is not None:
        squares = []
        for item, tally in zip(answers, tallies):
            for k in classes:
                number = model.new_int_var(0, len(item), "")
                model.add(number == tally[k])
                square = model.new_int_var(0, len(item) ** 2, "")
                model.add_multiplication_equality(square, [number, number])
                squares.append(square - number)
        model.add_linear_constraint(sum(squares), *job["pairs"])
    for item, place in job["known"]:
        model.add(answers[item][place][job["items"][item][place]] == 1)
    return model, answers


def solver_for(seconds):
    solver = cp_model.CpSolver()
    solver.parameters.num_workers = 1
    solver.parameters.max_time_in_seconds = seconds
    return solver


def fits(job):
    everything = [[item, place] for item, row in enumerate(job["items"]) for place in range(len(row))]
    model, _ = model_of({**job, "known": everything})
    return solver_for(60).solve(model) in (cp_model.OPTIMAL, cp_model.FEASIBLE)


def certain(job):
    model, answers = model_of(job)
    known = {tuple(one) for one in job["known"]}
    asked = [(i, p) for i, row in enumerate(job["items"]) for p in range(len(row)) if (i, p) not in known]
    truth = lambda at: answers[at[0]][at[1]][job["items"][at[0]][at[1]]]
    left, certain, undecided = dict.fromkeys(asked), 0, 0
    end = time.monotonic() + job["seconds"]
    while left:
        remaining = end - time.monotonic()
        if remaining <= 0:
            undecided += len(left)
            break
        one, _ = left.popitem()
        other = model.clone()
        other.add(other.get_bool_var_from_proto_index(truth(one).index) == 0)
        # The more answers one solution changes, the fewer questions are left.
        for at in left:
            other.add_hint(other.get_bool_var_from_proto_index(truth(at).index), False)
        solver = solver_for(min(remaining, 20))
        result = solver.solve(other)
        if result == cp_model.INFEASIBLE:
            certain += 1
        elif result in (cp_model.OPTIMAL, cp_model.FEASIBLE):
            left = {at: None for at in left if solver.boolean_value(truth(at))}
        else:
            undecided += 1
    return {"asked": len(asked), "certain": certain, "undecided": undecided, "fits": fits(job)}


for line in sys.stdin:
    print(json.dumps(certain(json.loads(line))), flush=True)
