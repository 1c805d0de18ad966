using System.Net.Sockets;

namespace Gateway.Hosting;

/// <summary>Starts the host. A start that fails ends with one sentence and exit code 1, an argument that is none with 2, without a stack trace.</summary>
internal static class Program
{
    public static async Task<int> Main(string[] args)
    {
        if (args is ["--help" or "-h"])
        {
            Console.WriteLine(Arguments.Usage);
            return 0;
        }

        var restore = args.Contains(KernelRestore.Option);
        if (restore) args = [.. args.Where(a => a != KernelRestore.Option)];
        if (Arguments.Problem(args) is { } problem)
        {
            await Console.Error.WriteLineAsync(problem);
            return 2;
        }

        try
        {
            if (restore) return await KernelRestore.RunAsync(args);
            await using var app = await GatewayHost.BuildAsync(args);
            // Data protection writes a new key to a temporary file first. That shall not leave the data directory, and /tmp may be read-only;
            // the variable cannot come from outside, as glibc removes it for an executable with a file capability (ld.so(8), secure-execution mode).
            Environment.SetEnvironmentVariable("TMPDIR", app.Services.GetRequiredService<DataDirectory>().Path);
            await app.RunAsync();
            return 0;
        }
        catch (StartupException e)
        {
            await Console.Error.WriteLineAsync(e.Message);
        }
        catch (IOException e) when (e.InnerException is Microsoft.AspNetCore.Connections.AddressInUseException)
        {
            await Console.Error.WriteLineAsync($"{e.Message.TrimEnd('.')}. Stop what listens there, or choose another address with --urls http://127.0.0.1:PORT.");
        }
        catch (SocketException e)
        {
            await Console.Error.WriteLineAsync($"An address to listen on was refused: {e.Message}. Give one of this machine's, such as --urls http://127.0.0.1:8080.");
        }
        catch (FormatException e) when (e.Message.StartsWith("Invalid url", StringComparison.Ordinal))
        {
            await Console.Error.WriteLineAsync($"{e.Message.TrimEnd('.')}. One looks like --urls http://127.0.0.1:8080.");
        }
        catch (InvalidDataException e) when (e.InnerException is not null)
        {
            await Console.Error.WriteLineAsync($"{e.Message} {e.InnerException.Message} {e.InnerException.InnerException?.Message}".TrimEnd());
        }

        return 1;
    }
}
