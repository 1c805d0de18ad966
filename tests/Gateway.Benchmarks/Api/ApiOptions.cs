using System.Globalization;

namespace Gateway.Benchmarks.Api;

/// <summary>What to ask, and how often.</summary>
internal sealed record ApiOptions
{
    public const string Usage = """
        api [--requests N] [--no-kernel-routes]

          --requests N         of each kind, one after the other; default 200
          --no-kernel-routes   the prefixes behind the peers get no route in the kernel
        """;

    public int Requests { get; private init; } = 200;

    public bool KernelRoutes { get; private init; } = true;

    /// <summary>Null, with the reason in <paramref name="error"/>, when an argument is none of these.</summary>
    public static ApiOptions? Parse(string[] args, out string error)
    {
        var options = new ApiOptions();
        error = "";
        for (var i = 0; i < args.Length; i++)
        {
            switch (args[i])
            {
                case "--no-kernel-routes":
                    options = options with { KernelRoutes = false };
                    break;
                case "--requests" when i + 1 < args.Length && int.TryParse(args[i + 1], NumberStyles.None, CultureInfo.InvariantCulture, out var requests) && requests is > 0 and <= 10_000:
                    options = options with { Requests = requests };
                    i++;
                    break;
                default:
                    error = $"{args[i]} is not understood, or its value is missing or out of range";
                    return null;
            }
        }

        return options;
    }
}
