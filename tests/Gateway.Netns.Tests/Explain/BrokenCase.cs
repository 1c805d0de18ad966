using Gateway.Contracts;

namespace Gateway.Netns.Tests.Explain;

/// <summary>How the set-up is mended.</summary>
internal enum Cure
{
    /// <summary>By a change that the explanation offers: applied it passes, undone it is broken again.</summary>
    Change,
    /// <summary>By the commands that the explanation gives, on the machine that it names.</summary>
    Instruction,
    /// <summary>Nothing on the gateway or the network helps: to name the cause is enough.</summary>
    Naming,
}

/// <summary>One broken set-up: what breaks it, where it must be found, and what mends it.</summary>
/// <param name="Name">In words.</param>
/// <param name="Ask">The packet.</param>
/// <param name="Break">Breaks it.</param>
/// <param name="Hop">The hop that must be named: one of <see cref="HopIds"/>.</param>
/// <param name="Cure">What mends it.</param>
internal sealed record BrokenCase(string Name, Question Ask, Func<MatrixLab, Task> Break, string Hop, Cure Cure)
{
    /// <summary>What a person does where the instruction has no commands: fetch the configuration again, say.</summary>
    public Func<MatrixLab, Task>? AsTold { get; init; }

    /// <summary>The peer that is asked about; null = host-u.</summary>
    public Func<string>? Peer { get; init; }

    /// <summary>Whether some packets pass all the same.</summary>
    public bool IsFlaky { get; init; }

    /// <summary>What the reason must say.</summary>
    public string Says { get; init; } = "";
}
