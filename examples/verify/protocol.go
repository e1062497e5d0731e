package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"

	"github.com/satori-go/satori/reward/answer"
)

// This is the protocol of OpenRLHF's remote rewards (openrlhf/utils/agent.py for the client
// and openrlhf/cli/serve_rm.py for the server of v0.11.0, 3c3be62; before v0.9.1 the client
// was openrlhf/utils/remote_rm_utils.py):
//
//	POST /get_reward {"query": [...], "prompts": [...], "labels": [...]}
//	→ {"rewards": [...], "scores": [...], "extra_logs": {name: [...]}}
//
// A query is a prompt and its response, decoded with the special tokens. A label is the
// answer in the data set. Versions from 0.9.1 on send one query a request; earlier ones send
// a whole rollout batch, and a client with more servers than queries sends empty lists to
// some of them. Versions up to 0.8.2 read only "rewards". Every list of the reply has one
// entry a query. Versions before 0.6 send no labels and cannot be served. Versions 0.8.3 to
// 0.8.9 join the lists of a reply as if they were tensors, and fail with every server, also
// with their own.
//
// In a request without prompts the queries are responses. This is for clients of other
// libraries.
//
// The protocol does not say which responses were truncated at the token limit.

// A Request asks for rewards.
type Request struct {
	Query   []string `json:"query"`
	Prompts []string `json:"prompts"`
	Labels  []text   `json:"labels"`
}

// A Reply has one reward for each query: 1 if the answer equals the label, else 0.
type Reply struct {
	Rewards   []score            `json:"rewards"` // for the advantages
	Scores    []score            `json:"scores"`  // the same values, for dynamic sampling
	ExtraLogs map[string][]score `json:"extra_logs"`

	reasons []answer.Reason
}

// A score is a JSON number with a decimal point. PyTorch makes a tensor of integers from 1,
// and such a tensor has no mean.
type score float64

// MarshalJSON writes a score with one decimal place.
func (s score) MarshalJSON() ([]byte, error) {
	return strconv.AppendFloat(nil, float64(s), 'f', 1, 64), nil
}

// logged gives the reasons that are reported apart, and their names in the logs.
var logged = map[answer.Reason]string{
	answer.NoAnswer: "no_answer", answer.Unparsed: "unparsed", answer.OverBudget: "over_budget",
}

// read reads a request and reports its faults.
func read(body io.Reader) (Request, error) {
	var r Request
	d := json.NewDecoder(body)
	if err := d.Decode(&r); err != nil {
		return r, err
	}
	if _, err := d.Token(); err != io.EOF {
		if err == nil || errors.As(err, new(*json.SyntaxError)) {
			err = errors.New("something follows the object")
		}
		return r, err
	}
	switch {
	case r.Query == nil:
		return r, errors.New(`no field "query"`)
	case len(r.Labels) != len(r.Query):
		return r, fmt.Errorf("%d labels for %d queries; a label is the reference answer of its query", len(r.Labels), len(r.Query))
	case r.Prompts != nil && len(r.Prompts) != len(r.Query):
		return r, fmt.Errorf("%d prompts for %d queries", len(r.Prompts), len(r.Query))
	}
	return r, nil
}

// An errRequest is the fault of a request that could be read.
type errRequest struct{ error }

// rewards judges a request. A label that cannot be parsed, or a query without its prompt,
// is an [errRequest] and never a reward of 0.
func rewards(ctx context.Context, r Request) (Reply, error) {
	n := len(r.Query)
	reply := Reply{Rewards: make([]score, n), ExtraLogs: map[string][]score{}, reasons: make([]answer.Reason, n)}
	for _, name := range logged {
		reply.ExtraLogs[name] = make([]score, n)
	}
	for i, query := range r.Query {
		if err := context.Cause(ctx); err != nil {
			return Reply{}, fmt.Errorf("%d of %d queries were judged: %w", i, n, err)
		}
		gold, err := answer.CompileGold(string(r.Labels[i]))
		if err != nil {
			return Reply{}, errRequest{fmt.Errorf("labels[%d]: %w", i, err)}
		}
		if r.Prompts != nil {
			if query, err = response(query, r.Prompts[i]); err != nil {
				return Reply{}, errRequest{fmt.Errorf("query[%d] %w", i, err)}
			}
		}
		_, verdict := judge(gold, query)
		if verdict.Equal {
			reply.Rewards[i] = 1
		}
		if name, ok := logged[verdict.Reason]; ok {
			reply.ExtraLogs[name][i] = 1
		}
		reply.reasons[i] = verdict.Reason
	}
	reply.Scores = reply.Rewards
	return reply, nil
}
