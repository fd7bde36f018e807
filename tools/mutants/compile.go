package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strings"
)

// compile returns an error for each mutant that does not compile. It builds mutants of different files together, so there
// are as many builds as the file with the most mutants has.
func (r *runner) compile(ctx context.Context, all []*mutant) (err error) {
	if r.tmp, err = r.makeTemp(); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, remove(r.tmp)) }()
	var failed []error
	for _, batch := range batches(all) {
		modules := make(map[string][]*mutant)
		for _, m := range batch {
			module, err := r.module(path.Dir(m.file))
			if err != nil {
				return err
			}
			modules[module] = append(modules[module], m)
		}
		for module, mutants := range modules {
			failed = append(failed, r.build(ctx, module, mutants))
		}
	}
	return errors.Join(failed...)
}

// batches divides mutants so that no batch changes a file twice.
func batches(all []*mutant) [][]*mutant {
	var batches [][]*mutant
	count := make(map[string]int)
	for _, m := range all {
		i := count[m.file]
		if count[m.file]++; i == len(batches) {
			batches = append(batches, nil)
		}
		batches[i] = append(batches[i], m)
	}
	return batches
}

// build compiles the packages of the mutants' files with all of them applied. The mutants are of one module.
func (r *runner) build(ctx context.Context, module string, mutants []*mutant) error {
	replace := make(map[string]string)
	args := []string{"build", "-o", os.DevNull, "-overlay", filepath.Join(r.tmp, "overlay.json")}
	for i, m := range mutants {
		text, err := r.changed(m)
		if err != nil {
			return err
		}
		original := filepath.Join(r.root, filepath.FromSlash(m.file))
		changed := filepath.Join(r.tmp, fmt.Sprintf("%d-%s", i, filepath.Base(original)))
		if err := os.WriteFile(changed, []byte(text), 0o600); err != nil {
			return err
		}
		folder, err := filepath.Rel(module, filepath.Dir(original))
		if err != nil {
			return err
		}
		replace[original] = changed
		args = append(args, "./"+filepath.ToSlash(folder))
	}
	overlay, err := json.Marshal(map[string]map[string]string{"Replace": replace})
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(r.tmp, "overlay.json"), overlay, 0o600); err != nil {
		return err
	}
	cmd := exec.CommandContext(ctx, r.command, args...)
	cmd.Dir = module
	cmd.Env = append(os.Environ(), "PWD="+module)
	output, err := cmd.CombinedOutput()
	if err == nil {
		return nil
	}
	var names []string
	for _, m := range mutants { // an error names the changed file
		changed := replace[filepath.Join(r.root, filepath.FromSlash(m.file))]
		if strings.Contains(string(output), filepath.Base(changed)+":") {
			names = append(names, fmt.Sprintf("%s: %s: it does not compile", m.at, m.name))
		}
	}
	if names == nil {
		names = append(names, fmt.Sprintf("%s does not compile: %v", module, err))
	}
	return fmt.Errorf("%s:\n%s", strings.Join(slices.Compact(names), "\n"), output)
}
