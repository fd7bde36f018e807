package servertest

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"
)

const helperEnv = "SERVERTEST_END"

// TestHelper is not a test but what TestNothingOutlivesTheTestBinary runs: it starts servers, tells their processes,
// and ends as it is told.
func TestHelper(t *testing.T) {
	end := os.Getenv(helperEnv)
	if end == "" {
		t.Skip("run by TestNothingOutlivesTheTestBinary")
	}
	paused := StartMemcached(t, MemcachedOptions{})
	servers := []*Server{Redis(t), StartRedis(t, RedisOptions{}), Memcached(t), paused, Postgres(t).Server, MariaDB(t).Server}
	for _, s := range servers {
		family := []int{s.Pid()}
		children, err := childrenOf(s.Pid())
		if err != nil {
			t.Fatal(err)
		}
		for _, pid := range append(family, children...) {
			fmt.Println("pid", pid)
		}
	}
	paused.Pause(t)
	fmt.Println("folder", folders.root)
	fmt.Println("ready")
	switch end {
	case "kill":
		time.Sleep(time.Minute)
	case "panic":
		panic("as told")
	case "exit":
		os.Exit(1)
	}
}

func TestNothingOutlivesTheTestBinary(t *testing.T) {
	for _, server := range []string{"redis", "memcached", "postgresql", "mariadb"} {
		programs(t, server)
	}
	for _, end := range []string{"kill", "panic", "exit", "return"} {
		t.Run(end, func(t *testing.T) {
			t.Parallel()
			cmd := exec.Command(os.Args[0], "-test.run=^TestHelper$", "-test.timeout=2m")
			cmd.Env = append(os.Environ(), helperEnv+"="+end)
			out, err := cmd.StdoutPipe()
			if err != nil {
				t.Fatal(err)
			}
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { cmd.Process.Kill() })
			pids, folder := readHelper(t, out)
			if end == "kill" {
				if !anyRuns(pids[:1]) {
					t.Error("the first server does not run")
				}
				cmd.Process.Kill()
			}
			err = cmd.Wait()
			if ok := err == nil; ok != (end == "return") {
				t.Errorf("it ended with %v", err)
			}
			eventually(t, fmt.Sprintf("processes %v have ended", pids), func() bool { return !anyRuns(pids) })
			eventually(t, folder+" is removed", func() bool {
				_, err := os.Stat(folder)
				return os.IsNotExist(err)
			})
		})
	}
}

func readHelper(t *testing.T, out interface{ Read([]byte) (int, error) }) (pids []int, folder string) {
	t.Helper()
	lines := bufio.NewScanner(out)
	var said strings.Builder
	for lines.Scan() {
		said.WriteString(lines.Text() + "\n")
		var pid int
		if n, _ := fmt.Sscanf(lines.Text(), "pid %d", &pid); n == 1 {
			pids = append(pids, pid)
		}
		if f, ok := strings.CutPrefix(lines.Text(), "folder "); ok {
			folder = f
		}
		if lines.Text() == "ready" {
			if len(pids) < 6 || folder == "" {
				break
			}
			return pids, folder
		}
	}
	t.Fatalf("the helper said\n%s", said.String())
	return nil, ""
}
