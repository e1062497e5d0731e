package network

import "fmt"

// WithHeads copies the network with these heads: [decoder.HeadLM] for tokens, and any others for
// one number a token. Heads that the network has are copied, others are fresh, and heads that
// are not named are left out.
//
//   - WithHeads(seed, "score") makes a critic or reward model from the layers of a language model;
//   - WithHeads(seed, "lm", "value") makes an actor that is its own critic: one learner trains both
//     heads against the sum of their losses;
//   - WithHeads(0, "lm") takes its value head off again.
func (n *Net) WithHeads(seed uint64, names ...string) (*Net, error) {
	config, err := n.Config.WithHeads(names...)
	if err != nil {
		return nil, fmt.Errorf("model: WithHeads: %w", err)
	}
	c := &Net{Config: config, backend: n.backend, specs: config.Specs()}
	if err := c.fillFrom(n, seed); err != nil {
		return nil, fmt.Errorf("model: WithHeads: %w", err)
	}
	return c, nil
}
