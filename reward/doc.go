// Package reward judges attempts: it turns a [coat.Attempt] into a number.
//
//   - a [Func] scores one attempt; a check is a Func that gives 1 for right and 0
//     for wrong;
//   - [Exact] is a check for answers that can be written in one way; [Answer] makes one
//     for mathematics, by package answer;
//   - [Judge] runs a check once an attempt and makes a [coat.Judged] of each;
//   - a [Batch] scores many attempts together, as a reward model does;
//   - [Sigmoid], [Shift], [Clip] and [Memo] wrap a Func or a Batch;
//   - a [Term] gives either a name and a weight;
//   - a [Rubric] is a weighted sum of terms, and [Rubric.Score] applies it to many
//     attempts at once;
//   - a [Pair] says which of two attempts is the better one: what a Bradley-Terry
//     reward model learns from.
//
// The reward of Satori (arXiv 2502.02508, section 4.2) for a response ỹ to a start z is
//
//	r(z, ỹ) = r_rule + σ(r_ψ(z, ỹ)) + r_bonus
//
//	r_rule  = 1[ỹ is right] − 1                          Correct: 0 or −1
//	r_bonus = +β  if z was cut from a wrong attempt (D−) and ỹ is right
//	          −β  if z was cut from a right attempt (D+) and ỹ is wrong
//	           0  otherwise                              Reflection, β = 0.5
//
// which gives
//
//	              original     D−           D+
//	right          0 + σ      +0.5 + σ      0 + σ
//	wrong         −1 + σ      −1 + σ      −1.5 + σ
//
// and is written as
//
//	check := reward.Memo(reward.Exact)
//	rubric := reward.Rubric{
//		{Name: "rule", Weight: 1, Func: reward.Correct(check)},
//		{Name: "bonus", Weight: 1, Func: reward.Reflection(check, 0.5)},
//		{Name: "preference", Weight: 1, Batch: reward.Sigmoid(model.Score)}, // of a *bt.Model
//		{Name: "format", Weight: 0, Func: reward.Format}, // a metric
//	}
//
// It differs from the authors' code in three ways:
//
//   - The answer is the last box of the response alone. Their code looks at the last
//     128 characters of prompt and response, so that a restart from a finished right
//     solution is credited for stopping at once, and an answer is lost where more
//     text follows it. Here a restart has to answer again.
//   - A truncated attempt is wrong, whatever its text is: the policy did not end
//     there. Their code has no rule for it and rewards a box that happens to be near
//     the cut.
//   - A Func that fails, panics or gives NaN or an infinity stops the scoring with an
//     error that names the term and the attempt. It is never a zero reward.
package reward
