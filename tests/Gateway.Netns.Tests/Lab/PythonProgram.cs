using Gateway.Netns.Tests.Harness;

namespace Gateway.Netns.Tests.Lab;

/// <summary>The lab's two programs, started on a host.</summary>
internal static class PythonProgram
{
    // Debian's python3 and its scapy, whatever other Python is first on the path.
    private const string Python = "/usr/bin/python3";

    /// <summary>The client; its device is zhang0 unless named otherwise.</summary>
    public static Task<Child> Client(Host host, params string[] arguments) => Start(host, "tun_client.py", arguments);

    /// <summary>The server; its device is tun0.</summary>
    public static Task<Child> Server(Host host, params string[] arguments) => Start(host, "tun_server.py", arguments);

    private static async Task<Child> Start(Host host, string program, string[] arguments)
    {
        var child = host.Start([Python, Binaries.Peer(program), .. arguments]);
        await child.Says("ready", TimeSpan.FromSeconds(30));
        return child;
    }
}
