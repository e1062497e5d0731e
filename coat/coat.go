package coat

import "iter"

// A Problem is a question with a gold answer. How an answer is judged is not said
// here: that is a reward.
type Problem struct {
	ID       string `json:"id"`
	Question string `json:"question"`
	Answer   string `json:"answer"`
	Level    int    `json:"level,omitempty"` // difficulty as the source gives it; 0: not known

	// Solution is how the source comes to the answer, where it says so. A critic may
	// read it; it is never part of a prompt that is trained on.
	Solution string `json:"solution,omitempty"`
}

// A Demo is a trace worth imitating.
type Demo struct {
	Problem Problem `json:"problem"`
	Trace   Trace   `json:"trace"`
	Kind    Kind    `json:"kind,omitempty"`
}

// A Kind is the shape of a demonstration (paper, appendix D.1). The roman number
// says what the first solution was worth, the second how often it went wrong
// before the end.
type Kind string

const (
	TypeI     Kind = "I"      // right at once, no reflection
	TypeII1   Kind = "II-I"   // right, verified on the way
	TypeII2   Kind = "II-II"  // right, verified, then a wrong answer, corrected
	TypeIII1  Kind = "III-I"  // wrong, corrected once
	TypeIII2  Kind = "III-II" // wrong, corrected twice
	Distilled Kind = "distilled"
)

// Kinds are the five shapes that the paper synthesises.
var Kinds = []Kind{TypeI, TypeII1, TypeII2, TypeIII1, TypeIII2}

// An Outcome is what had become of an earlier attempt.
type Outcome uint8

const (
	Unknown Outcome = iota // no earlier attempt: an original start
	Wrong                  // the attempt that this start was cut from ended wrong: D−
	Right                  // ... ended right: D+
)

func (o Outcome) String() string { return [...]string{"original", "wrong", "right"}[o] }

// A Start is a state to reason from. An original start has neither Prefix nor
// Prior; a restart has the steps already taken, ending in a bare <|reflect|>, and
// what had become of them.
type Start struct {
	Problem Problem `json:"problem"`
	Prefix  Trace   `json:"prefix,omitempty"`
	Prior   Outcome `json:"prior,omitempty"`
}

// Starts makes an original start of each problem.
func Starts(problems []Problem) iter.Seq[Start] {
	return func(yield func(Start) bool) {
		for _, p := range problems {
			if !yield(Start{Problem: p}) {
				return
			}
		}
	}
}

// An Attempt is what a policy made of a Start. Text is the response alone, without
// the start's prefix; Truncated tells that it hit the token limit, not its end.
type Attempt struct {
	Start     Start  `json:"start"`
	Text      string `json:"text"`
	Truncated bool   `json:"truncated,omitempty"`
}

// An AttemptKey is all of an attempt as the key of a map.
type AttemptKey struct {
	problem      Problem
	prefix, text string
	prior        Outcome
	truncated    bool
}

// Key tells an attempt from others.
func (a Attempt) Key() AttemptKey {
	return AttemptKey{a.Start.Problem, a.Start.Prefix.String(), a.Text, a.Start.Prior, a.Truncated}
}

// Trace parses the prefix and the response as one trace.
func (a Attempt) Trace() (Trace, error) { return Parse(a.Start.Prefix.String() + a.Text) }

// A Template writes the prompt of a start: the question in whatever words the model
// was trained with, followed by the start's prefix.
type Template func(Start) string

// Bare is the template of small models that read nothing but the question: the
// question, a space, the prefix.
func Bare(s Start) string { return s.Problem.Question + " " + s.Prefix.String() }

// Math is the prompt of the paper's models (model card of Satori-SFT-7B): a chat
// turn that asks for steps and a boxed answer, without a system turn.
func Math(s Start) string {
	return "<|im_start|>user\n" + MathTurn(s.Problem) + "<|im_end|>\n<|im_start|>assistant\n" + s.Prefix.String()
}

// MathTurn is the user's turn of [Math], for what applies a chat template itself.
func MathTurn(p Problem) string {
	return "Solve the following math problem efficiently and clearly.\n" +
		"Please reason step by step, and put your final answer within \\boxed{}.\n" +
		"Problem: " + p.Question
}
