package ppo

import (
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"maps"
	"reflect"
	"strings"

	"github.com/satori-go/satori/coat"
	"github.com/satori-go/satori/coat/rundir"
	"github.com/satori-go/satori/model"
	"github.com/satori-go/satori/reward"
)

// Settings returns the settings of the trainer that decide its results: those of the
// Config, where they have the names of its JSON, and the names, weights and ranges of the
// rubric's terms, as "Rubric.TERM.Weight". Functions have the name that the caller gave.
// Done, KL, which may be adapted, and Parallel are not among them.
func (t *Trainer) Settings() (map[string]string, error) {
	c, err := t.Config.resolve()
	if err != nil {
		return nil, fmt.Errorf("ppo: %w", err)
	}
	s := settings(c)
	for _, name := range []string{"Done", "KL", "Parallel"} {
		delete(s, name)
	}
	maps.Copy(s, rubricSettings(t.Rubric))
	return s, nil
}

func rubricSettings(rubric reward.Rubric) map[string]string {
	s := map[string]string{"Rubric": strings.Join(termNames(rubric), ", ")}
	for _, t := range rubric {
		s["Rubric."+t.Name+".Weight"] = fmt.Sprint(t.Weight)
		s["Rubric."+t.Name+".Range"] = fmt.Sprintf("%v to %v", t.Low, t.High)
	}
	return s
}

// settings returns those of the policy that decide its results.
func (a *ActorCritic) settings() map[string]string {
	s := settings(a.config)
	for _, name := range []string{"InFlight", "SamplerFollows", "PublishDir"} { // they change no rollout
		delete(s, name)
	}
	s["Template"] = probe(a.config.Template)
	if r := a.config.Reference; r != nil {
		s["Reference"] = fingerprint(r.Net)
	}
	s["Policy.BF16"] = fmt.Sprint(a.LM.Config.BF16)
	if a.LM.Config.LoRA.Rank > 0 {
		s["Policy.Base"] = fingerprint(a.LM.Net)
	}
	if a.Critic != nil {
		s["Critic.BF16"] = fmt.Sprint(a.Critic.Config.BF16)
	}
	return s
}

// settings returns the fields of a struct as text, see [settingName]. Of a pointer or an
// interface the text says whether there is one.
func settings(c any) map[string]string {
	s := map[string]string{}
	v := reflect.ValueOf(c)
	for i := range v.NumField() {
		f := v.Field(i)
		var text string
		switch x := f.Interface().(type) {
		case AdvantageEstimator:
			text = cmp.Or(x.Name, "none")
		case LossAgg:
			text = cmp.Or(x.Name, tokenMean)
		case KLEstimator:
			text = cmp.Or(x.Name, k3Plus)
		default:
			switch f.Kind() {
			case reflect.Func, reflect.Pointer, reflect.Interface:
				text = "none"
				if !f.IsNil() {
					text = "set"
				}
			default:
				text = fmt.Sprint(x)
			}
		}
		s[settingName(v.Type().Field(i))] = text
	}
	return s
}

// CheckSettings compares the settings with those that a file has of an earlier run. The
// first one that is not what it was is a [*rundir.MismatchError]. What an earlier version
// did not write is not compared.
func (t *Trainer) CheckSettings(file string, was map[string]string) error {
	now, err := t.Settings()
	if err != nil {
		return err
	}
	return compare(file, was, now, "Config", t.Config)
}

// compare compares settings of the struct c, which is called name. Errors have the names
// of its fields in Go.
//
// Earlier versions wrote "set" for a function or a model, whichever it was, and "none" for
// a default that has a name now.
func compare(file string, was, now map[string]string, name string, c any) error {
	fields := map[string]string{} // by their names in settings
	for _, f := range reflect.VisibleFields(reflect.TypeOf(c)) {
		fields[settingName(f)] = name + "." + f.Name
	}
	inGo := func(s map[string]string) map[string]string {
		renamed := map[string]string{}
		for setting, text := range s {
			renamed[cmp.Or(fields[setting], setting)] = text
		}
		return renamed
	}
	was, now = maps.Clone(was), maps.Clone(now)
	for setting, text := range was {
		switch {
		case text == "set" && now[setting] != "none", strings.HasSuffix(setting, "Checkpointing"): // which changes no figure
			delete(was, setting)
		case text == "none" && setting == "Aggregate":
			was[setting] = tokenMean
		case text == "none" && setting == "KLLoss":
			was[setting] = k3Plus
		}
	}
	maps.DeleteFunc(now, func(setting, _ string) bool { _, written := was[setting]; return !written })
	return rundir.CheckSettings(file, inGo(was), inGo(now))
}

// settingName returns the name of a field in settings: that in JSON, or that of its tag
// "setting", where earlier versions had another name.
func settingName(f reflect.StructField) string {
	name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
	if name == "-" {
		name = f.Tag.Get("setting")
	}
	return cmp.Or(name, f.Name)
}

// probe identifies a template by what it writes for a start.
func probe(t coat.Template) string {
	text := t(coat.Start{
		Problem: coat.Problem{ID: "probe", Question: "question", Answer: "answer", Level: 1},
		Prefix:  coat.Trace{{Text: "step"}, {Action: coat.Reflect}}, Prior: coat.Wrong,
	})
	return hash([]byte(text))
}

// fingerprint tells a network from others by a matrix that imitation and merged adapters
// change.
func fingerprint(n *model.Net) string {
	w, _ := n.Tensor("model.layers.0.self_attn.q_proj.weight")
	h := sha256.New()
	binary.Write(h, binary.LittleEndian, w)
	return hex.EncodeToString(h.Sum(nil)[:8])
}

func hash(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:8])
}
