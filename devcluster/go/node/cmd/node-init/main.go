// Command node-init is process 1 of a devcluster node: a PID, mount, host name and network namespace that together make
// one machine out of a part of this one. It lays out the node's private /run, starts the node's programs, starts them
// again when they die (as an init system would), and reaps what they leave. When it ends, the kernel ends every process
// of the node, and with the last of them every mount: a node cannot leave anything behind.
//
//	unshare --pid --fork --kill-child --mount --propagation slave --mount-proc --uts node-init node.json
package main

import (
	"encoding/json"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"sync"
	"syscall"
	"time"
)

type node struct {
	Hostname string `json:"hostname"`
	// Run is an empty directory that becomes the node's /run.
	Run string `json:"run"`
	// Binds are directories of the machine that appear below /run.
	Binds []bind `json:"binds"`
	// Shadowed are kernel settings of which the node's programs see a copy: a kubelet insists on setting some, and a node
	// must not tune the machine.
	Shadowed []string  `json:"shadowed"`
	Programs []program `json:"programs"`
}

type bind struct {
	Source string `json:"source"`
	// Target is relative to /run.
	Target string `json:"target"`
}

type program struct {
	Name string   `json:"name"`
	Args []string `json:"args"`
	Log  string   `json:"log"`
	// After names a file that the program waits for.
	After string `json:"after"`
}

const restartDelay = time.Second

func main() {
	if err := run(); err != nil {
		fmt.Fprintf(os.Stderr, "error: %v\n", err)
		os.Exit(1)
	}
}

func run() error {
	if len(os.Args) != 2 {
		return fmt.Errorf("usage: node-init CONFIG.json")
	}
	if os.Getpid() != 1 {
		return fmt.Errorf("node-init must be process 1 of its own PID namespace")
	}
	data, err := os.ReadFile(os.Args[1])
	if err != nil {
		return err
	}
	var config node
	if err := json.Unmarshal(data, &config); err != nil {
		return fmt.Errorf("%s: %w", os.Args[1], err)
	}
	if err := layOut(config); err != nil {
		return err
	}
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, syscall.SIGTERM, syscall.SIGINT)
	go func() {
		<-stop
		os.Exit(0)
	}()
	supervise(config.Programs)
	return nil
}

func layOut(config node) error {
	if err := syscall.Sethostname([]byte(config.Hostname)); err != nil {
		return fmt.Errorf("set host name: %w", err)
	}
	// The kubelet hands mounts to containers through shared propagation. The new peer group is a slave of the
	// machine's: nothing mounted here is seen outside.
	if err := syscall.Mount("", "/", "", syscall.MS_REC|syscall.MS_SHARED, ""); err != nil {
		return fmt.Errorf("share /: %w", err)
	}
	for _, b := range config.Binds {
		target := filepath.Join(config.Run, b.Target)
		if err := os.MkdirAll(target, 0o755); err != nil {
			return err
		}
		if err := syscall.Mount(b.Source, target, "", syscall.MS_BIND, ""); err != nil {
			return fmt.Errorf("bind %s: %w", b.Source, err)
		}
	}
	if err := syscall.Mount(config.Run, "/run", "", syscall.MS_BIND|syscall.MS_REC, ""); err != nil {
		return fmt.Errorf("bind /run: %w", err)
	}
	for _, path := range config.Shadowed {
		if err := shadow(path); err != nil {
			return fmt.Errorf("shadow %s: %w", path, err)
		}
	}
	return nil
}

func shadow(path string) error {
	value, err := os.ReadFile(path)
	if os.IsNotExist(err) {
		return nil
	}
	if err != nil {
		return err
	}
	duplicate := filepath.Join("/run", path)
	if err := os.MkdirAll(filepath.Dir(duplicate), 0o755); err != nil {
		return err
	}
	if err := os.WriteFile(duplicate, value, 0o644); err != nil {
		return err
	}
	return syscall.Mount(duplicate, path, "", syscall.MS_BIND, "")
}

// supervise never returns. One loop waits for every child, because process 1 also inherits children it never started.
func supervise(programs []program) {
	var mutex sync.Mutex
	running := map[int]program{}
	start := func(p program) {
		mutex.Lock()
		defer mutex.Unlock()
		pid, err := launch(p)
		if err != nil {
			fmt.Fprintf(os.Stderr, "%s: %v\n", p.Name, err)
			return
		}
		running[pid] = p
	}
	for _, p := range programs {
		go func() {
			waitFor(p.After)
			start(p)
		}()
	}
	for {
		var status syscall.WaitStatus
		pid, err := syscall.Wait4(-1, &status, 0, nil)
		if err == syscall.EINTR {
			continue
		}
		if err != nil {
			// No children yet, or none for the moment.
			time.Sleep(50 * time.Millisecond)
			continue
		}
		mutex.Lock()
		p, ours := running[pid]
		delete(running, pid)
		mutex.Unlock()
		if ours {
			fmt.Fprintf(os.Stderr, "%s %s ended (exit %d, signal %d), starting it again\n",
				time.Now().Format(time.RFC3339), p.Name, status.ExitStatus(), status.Signal())
			time.AfterFunc(restartDelay, func() { start(p) })
		}
	}
}

func waitFor(file string) {
	for file != "" {
		if _, err := os.Stat(file); err == nil {
			return
		}
		time.Sleep(20 * time.Millisecond)
	}
}

func launch(p program) (int, error) {
	log, err := os.OpenFile(p.Log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o640)
	if err != nil {
		return 0, err
	}
	defer log.Close()
	null, err := os.Open(os.DevNull)
	if err != nil {
		return 0, err
	}
	defer null.Close()
	return syscall.ForkExec(p.Args[0], p.Args, &syscall.ProcAttr{
		Dir:   "/",
		Env:   os.Environ(),
		Files: []uintptr{null.Fd(), log.Fd(), log.Fd()},
		Sys:   &syscall.SysProcAttr{Setsid: true},
	})
}
