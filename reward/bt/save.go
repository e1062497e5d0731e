package bt

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/satori-go/satori/coat"
	"github.com/satori-go/satori/model"
	"github.com/satori-go/satori/model/decoder"
	"github.com/satori-go/satori/model/hf"
)

// state is reward.json.
type state struct {
	Mean     float64 `json:"mean"`
	Std      float64 `json:"std"`
	Accuracy float64 `json:"accuracy"`
	Pairs    int     `json:"pairs"`
	RM       float64 `json:"rm,omitempty"`
	Problems int     `json:"problems,omitempty"`
}

const stateFile = "reward.json"

// Save writes a Hugging Face directory (…ForSequenceClassification) and reward.json.
func (m *Model) Save(dir string, extra ...func(dir string) error) error {
	return hf.SaveNet(m.Net, dir, append(extra, func(tmp string) error {
		data, err := json.MarshalIndent(state{m.Mean, m.Std, m.Accuracy, m.Pairs, m.RM, m.Problems}, "", "  ")
		if err != nil {
			return err
		}
		return errors.Join(m.lm.Tokenizer().Save(filepath.Join(tmp, "tokenizer.json")),
			os.WriteFile(filepath.Join(tmp, stateFile), append(data, '\n'), 0o644))
	})...)
}

// Open reads what Save wrote. The language model, whose tokenizer it uses, and the
// template have to be those it was trained with.
func Open(m *model.LM, t coat.Template, dir string) (*Model, error) {
	net, err := model.OpenNet(m.Backend(), dir)
	if err != nil {
		return nil, fmt.Errorf("bt: %w", err)
	}
	var s state
	if net.Config.HasHead(decoder.HeadScore) {
		s, err = readState(filepath.Join(dir, stateFile))
	} else {
		err = fmt.Errorf("%s is a language model, not a reward model", dir)
	}
	if err != nil {
		net.Close()
		return nil, fmt.Errorf("bt: %w", err)
	}
	return &Model{
		Net: net, Mean: s.Mean, Std: s.Std, Accuracy: s.Accuracy, Pairs: s.Pairs, RM: s.RM, Problems: s.Problems, lm: m, template: t,
	}, nil
}

func readState(path string) (s state, err error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return s, err
	}
	if err := json.Unmarshal(data, &s); err != nil {
		return s, fmt.Errorf("%s: %w", path, err)
	}
	if s.Std <= 0 {
		return s, fmt.Errorf("%s: field \"std\" is %g, want it positive", path, s.Std)
	}
	return s, nil
}
