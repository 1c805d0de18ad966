using System.Runtime.ExceptionServices;
using Gateway.Linux.Native;

namespace Gateway.Netns.Tests.Harness;

/// <summary>Runs this process's own code in a host's network namespace: on a thread of its own that enters it and then ends.</summary>
internal static class HostThread
{
    private const int NewNetwork = 0x40000000; // CLONE_NEWNET, linux/sched.h

    /// <summary>Sockets and devices made by the action stay in the namespace, whichever thread uses them afterwards.</summary>
    public static T In<T>(this Host host, Func<T> action)
    {
        T result = default!;
        ExceptionDispatchInfo? failure = null;
        var thread = new Thread(() =>
        {
            try
            {
                Enter(host.Name);
                result = action();
            }
            catch (Exception e)
            {
                failure = ExceptionDispatchInfo.Capture(e);
            }
        });
        thread.Start();
        if (!thread.Join(TimeSpan.FromSeconds(60))) throw new TimeoutException($"code in {host.Name} did not end within 60 s");
        failure?.Throw();
        return result;
    }

    private static void Enter(string name)
    {
        var descriptor = Libc.OpenPath($"/var/run/netns/{name}", OpenFlags.ReadOnly);
        if (descriptor < 0) throw new InvalidOperationException($"{name}: {Errno.Describe(-descriptor)}");
        var entered = Libc.SetNamespace(descriptor, NewNetwork);
        var error = Errno.Last;
        _ = Libc.Close(descriptor);
        if (entered < 0) throw new InvalidOperationException($"setns to {name}: {Errno.Describe(error)}");
    }
}
