package ppo

import (
	"cmp"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
)

// configSettings are those of a Config that decide the results of a run.
func configSettings(c Config) (map[string]string, error) {
	c, err := c.resolve()
	s := settings(c)
	for _, name := range []string{"Done", "KL", "Parallel"} {
		delete(s, name)
	}
	return s, err
}

// actorSettings are those of an ActorConfig.
func actorSettings(c ActorConfig) map[string]string {
	s := settings(c)
	delete(s, "InFlight") // MaxConcurrent changes no rollout
	return s
}

// settings are the fields of a struct as text. Of a function or a pointer it can only be
// said whether there is one. They have the names that
// they have in JSON, or by a tag "setting", which older files have too.
func settings(c any) map[string]string {
	s := map[string]string{}
	v := reflect.ValueOf(c)
	for i := range v.NumField() {
		f := v.Field(i)
		text := ""
		switch f.Kind() {
		case reflect.Func, reflect.Pointer, reflect.Interface:
			text = "none"
			if !f.IsNil() {
				text = "set"
			}
		default:
			text = fmt.Sprint(f.Interface())
		}
		field := v.Type().Field(i)
		name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
		if name == "-" {
			name = field.Tag.Get("setting")
		}
		name = cmp.Or(name, field.Name)
		s[name] = text
	}
	return s
}

// sameSettings reports the first field that is not as it was.
func sameSettings(what string, was, is map[string]string) error {
	names := maps.Clone(was)
	maps.Copy(names, is)
	for _, name := range slices.Sorted(maps.Keys(names)) {
		if was[name] != is[name] {
			return fmt.Errorf("%s.%s was %q when the run began and is %q now; go back to what it was, or begin in another directory", what, name, was[name], is[name])
		}
	}
	return nil
}
