package remote

import (
	"errors"
	"fmt"
	"math"

	"github.com/satori-go/satori/model/retry"
	"github.com/satori-go/satori/model/sampler"
)

// A choice is one of an answer's choices, with the fields of all forms that a Remote reads.
type choice struct {
	FinishReason string  `json:"finish_reason"`
	TokenIDs     []int32 `json:"token_ids"`
	LogProbs     *struct {
		Content []struct {
			ID      *int32
			LogProb *float64
			Prob    *float64 // after sampling
		}
		Tokens        []string
		TokenLogProbs []*float64 `json:"token_logprobs"`
	}
}

// completion reads a choice as the answer to a request.
func (c choice) completion(r sampler.Request, mode LogProbsMode) (sampler.Completion, error) {
	broken := func(format string, args ...any) (sampler.Completion, error) {
		return sampler.Completion{}, &retry.Refused{Final: true, Err: fmt.Errorf(format, args...)}
	}
	switch c.FinishReason {
	case "length", "stop":
	case "": // a proxy may have cut it off, so another attempt may succeed
		return sampler.Completion{}, errors.New("the answer has no finish_reason")
	default:
		return sampler.Completion{}, fmt.Errorf("the completion ended with finish_reason %q", c.FinishReason)
	}
	if c.LogProbs == nil {
		return broken("the answer has no log-probabilities")
	}
	ids, logp := c.TokenIDs, make([]float32, 0, len(c.TokenIDs))
	switch l := c.LogProbs; {
	case l.Content != nil:
		ids = nil
		for i, t := range l.Content {
			switch {
			case t.ID == nil:
				return broken("logprobs.content[%d] has no id", i)
			case t.Prob != nil:
				logp, mode = append(logp, float32(math.Log(*t.Prob))), ProcessedLogProbs
			case t.LogProb != nil:
				logp, mode = append(logp, float32(*t.LogProb)), RawLogProbs
			default:
				return broken("logprobs.content[%d] has neither logprob nor prob", i)
			}
			ids = append(ids, *t.ID)
		}
	default:
		if ids == nil {
			for i, token := range l.Tokens {
				var id int32
				if n, err := fmt.Sscanf(token, "token_id:%d", &id); n != 1 || err != nil {
					return broken("logprobs.tokens[%d] is %q and there are no token_ids: the server gives no token ids", i, token)
				}
				ids = append(ids, id)
			}
		}
		for i, x := range l.TokenLogProbs {
			if x == nil {
				return broken("logprobs.token_logprobs[%d] is null", i)
			}
			logp = append(logp, float32(*x))
		}
	}
	if len(ids) != len(logp) || len(ids) > r.MaxTokens {
		return broken("the answer has %d token ids and %d log-probabilities for max_tokens %d", len(ids), len(logp), r.MaxTokens)
	}
	done := sampler.Completion{Tokens: ids, Truncated: c.FinishReason == "length"}
	for i, id := range ids {
		if r.Stops(id) { // llama.cpp does not know stop_token_ids
			done.Tokens, logp, done.Truncated = ids[:i+1], logp[:i+1], false
			break
		}
	}
	// A greedy completion's log-probabilities are those at temperature 1.
	unfiltered := mode == TempScaledLogProbs && r.Temperature > 0 || mode == RawLogProbs && (r.Temperature == 0 || r.Temperature == 1)
	switch {
	case mode == ProcessedLogProbs && r.Temperature > 0, unfiltered && !r.Filters():
		done.LogProbs = logp
	case unfiltered:
		done.UnfilteredLogProbs = logp
	}
	return done, nil
}
