"""Which wording shows which capability: a small lexicon, not a classifier.

What it measures: whether a prompt's own words (quoted spans, code and numbers left out) name a kind of task. Published
campaigns went after reasoning traces, rubric grading, synthetic data, tools and code (field notes, section 1). Innocent
people ask for all of these too, and a clever operator avoids the words: a flag is context, never evidence on its own.

A ``strong`` wording is enough alone; of the ``weak`` ones two have to occur. Matching is by whole words after lower
casing (in Chinese, Japanese, Thai and the like by characters), up to four words or eight characters long.
"""

from __future__ import annotations

from dataclasses import dataclass

from stillwatch.domain import Capability

MAX_WORDS = 4
MAX_CHARACTERS = 8


@dataclass(frozen=True)
class Wording:
    """Wordings of one capability."""

    strong: tuple[str, ...]
    weak: tuple[str, ...] = ()


def _list(text: str) -> tuple[str, ...]:
    return tuple(w.strip() for w in text.replace("\n", "|").split("|") if w.strip())


LEXICON: dict[Capability, Wording] = {
    Capability.REASONING: Wording(
        _list(
            """
            chain of thought | step by step | think aloud | internal reasoning | your reasoning
            the reasoning behind | reasoning process | reasoning trace | reasoning traces | reasoning steps
            thought process | thinking process | inner monologue | show your work | show your working
            think through | explain your thinking | hidden reasoning | full reasoning | detailed reasoning
            articulate the reasoning | before answering think | scratchpad | let's think | how you arrived at
            walk through your | reflect on each step | intermediate steps | rationale for each | 思维链
            逐步推理 | 推理过程 | 思考过程 | 一步一步 | 逐步思考 | 内部推理 | 详细推理 | 推理步骤 | 解题思路
            思考の過程 | 思考過程 | 推論過程 | ステップごとに | 段階的に考え | 一歩ずつ | 推論の手順
            paso a paso | cadena de pensamiento | proceso de razonamiento | tu razonamiento
            razonamiento interno | schritt für schritt | gedankengang | denkprozess | gedankenkette
            begründe jeden schritt | deine überlegungen | étape par étape | chaîne de pensée
            raisonnement détaillé | ton raisonnement | votre raisonnement | pas à pas | шаг за шагом
            цепочка рассуждений | ход мыслей | ход рассуждений | пошагово | подробное рассуждение
            passo a passo | cadeia de pensamento | 단계별로 | 사고 과정 | 추론 과정
            """
        ),
        _list(
            """
            reasoning | rationale | deduce | reason | justify | 推理 | 理由 | razonamiento | begründung
            raisonnement | рассуждение
            """
        ),
    ),
    Capability.GRADING: Wording(
        _list(
            """
            rubric | grade the | grade this | grading | score the | score this | rate the response
            rate the answer | which response is better | which answer is better | which is better
            preferred response | pairwise comparison | reward model | reward score | act as a judge
            impartial judge | as a judge | evaluate the response | evaluate the answer | evaluate the quality
            assign a score | on a scale of | on a scale from | better response | assistant a | response a
            chosen and rejected | critique the | 评分 | 打分 | 评分标准 | 哪个回答更好 | 评估回答
            评判 | 裁判 | 评价标准 | 採点 | 評価基準 | どちらの回答 | 点数をつけ | 審査員 | rúbrica
            califica la | puntúa | evalúa la respuesta | qué respuesta es mejor | bewertungsraster | bewerte die
            benote | welche antwort ist besser | punktzahl | grille d'évaluation | évalue la réponse
            note la réponse | quelle réponse est meilleure | barème | критерии оценки | оцени ответ
            оцените ответ | поставь оценку | какой ответ лучше | рубрика | выставь балл
            """
        ),
        _list(
            """
            score | evaluate | judge | criteria | rating | helpfulness | 评估 | 評価 | bewerten | évaluer
            evaluar | оценка
            """
        ),
    ),
    Capability.REWRITING: Wording(
        _list(
            """
            rewrite | rephrase | paraphrase | reword | rewrite the following | in other words | neutral wording
            make it sound | more formal | more polite | simplify the text | proofread | improve the wording
            tone down | politically safe | acceptable wording | remove sensitive | avoid sensitive | censorship
            edit this text | 改写 | 重写 | 润色 | 换一种说法 | 敏感内容 | 规避审查 | 改寫 | 書き換え | 言い換え
            書き直し | リライト | 校正して | reescribe | parafrasea | reformula | reescribir
            con otras palabras | umschreiben | formuliere um | umformulieren | schreibe um | korrekturlesen
            anders formuliert | réécris | réécrire | reformule | reformulez | paraphrase | перепиши
            перефразируй | перефразировать | переформулируй | отредактируй
            """
        ),
        _list(
            """
            wording | tone | formal | concise | grammar | 语气 | 表达 | wortlaut | formulierung | redacción
            стиль
            """
        ),
    ),
    Capability.CODING: Wording(
        _list(
            """
            source code | code snippet | unit test | unit tests | stack trace | pull request | refactor | debug
            python | javascript | typescript | java | golang | rust | sql query | regex | regular expression
            compile error | write a function | write code | write a program | write a script
            implement a function | implement the | this code | the code | my code | your code | bug in
            algorithm | leetcode | codebase | repository | docstring | dockerfile | kubernetes | html | css
            bash script | shell script | api endpoint | 代码 | 编程 | 函数 | 写一个程序 | 调试 | 单元测试
            脚本 | コード | プログラム | 関数を | código | programar | programmieren | quellcode
            programm schreiben | code source | programme | код | программу | функцию
            """
        ),
        _list(
            """
            function | class | method | variable | loop | array | string | library | compile | script | program
            code
            """
        ),
    ),
    Capability.TOOLS: Wording(
        _list(
            """
            tool call | tool calls | function call | function calling | call the tool | use the tool
            use the tools | available tools | following tools | you are an agent | autonomous agent
            computer use | screenshot of | browser automation | click on the | multi agent | subtask | subtasks
            orchestrate | orchestrator | action input | next action | tool use | execute the command
            run the command | mcp server | plan and execute | 工具调用 | 调用工具 | 使用工具 | 智能体 | 子任务
            ツールを使 | ツール呼び出し | エージェント | llamada a herramienta | usa las herramientas
            werkzeugaufruf | agenten | outils disponibles | appel d'outil | вызов инструмента
            используй инструменты | агент
            """
        ),
        _list(
            """
            tool | tools | agent | action | observation | execute | command | environment
            """
        ),
    ),
    Capability.MATHS: Wording(
        _list(
            """
            solve the equation | solve for | prove that | theorem | lemma | integral | derivative | polynomial
            geometry | algebra | how many | how much | probability that | word problem | math problem
            maths problem | arithmetic | remainder when | find the value | calculate the | compute the
            what is the sum | square root | quadratic | 数学题 | 方程 | 证明 | 计算 | 求解 | 几何 | 概率 | 数学
            方程式 | 計算して | 証明せよ | resuelve la ecuación | demuestra que | calcula | löse die gleichung
            beweise | berechne | résous l'équation | démontrer que | calcule | реши уравнение | докажи | вычисли
            задача по математике
            """
        ),
        _list(
            """
            equation | sum | total | average | percent | multiply | divide | number | per hour | triangle
            fraction
            """
        ),
    ),
    Capability.TRANSLATION: Wording(
        _list(
            """
            translate | translation | translated into | into english | into french | into german | into spanish
            into chinese | into japanese | into russian | 翻译 | 译成 | 翻譯 | 訳して | 翻訳 | 英訳 | 和訳
            traduce | traducir | traducción | übersetze | übersetzen | übersetzung | traduis | traduire
            traduction | переведи | перевести | перевод | переведите | traduza | 번역
            """
        )
    ),
    Capability.EXTRACTION: Wording(
        _list(
            """
            extract the | extract all | named entities | named entity | classify the | classify this | sentiment
            as json | in json | json format | json object | json schema | valid json | output format
            fill in the fields | label the | categorize | categorise | into categories | key value
            parse the following | structured data | summarize | summarise | summary of | tl dr | 提取 | 抽取
            分类 | 情感分析 | 摘要 | 总结 | 抽出 | 分類 | 要約 | extrae | clasifica | resume el | extrahiere
            klassifiziere | zusammenfassung | fasse zusammen | extrais | classifie | résume | résumé | извлеки
            классифицируй | резюмируй | кратко изложи
            """
        ),
        _list(
            """
            extract | classify | category | categories | json | fields | table | csv | entities | label
            """
        ),
    ),
    Capability.KNOWLEDGE: Wording(
        _list(
            """
            what is | what are | who is | who was | when did | where is | why do | why does | why is | how does
            how do | explain the | explain how | explain why | explain what | tell me about | difference between
            define | what does | history of | describe the | 什么是 | 为什么 | 解释 | 介绍一下 | 是什么 | とは何
            説明して | なぜ | qué es | por qué | explica | cuál es | was ist | warum | erkläre
            wie funktioniert | qu'est-ce que | pourquoi | explique | что такое | почему | объясни | расскажи о
            """
        )
    ),
    Capability.WRITING: Wording(
        _list(
            """
            write a story | write a poem | short story | write an essay | write an article | blog post
            write a letter | write an email | cover letter | product description | marketing copy | screenplay
            song lyrics | write a song | haiku | fairy tale | social media post | press release | speech for
            slogan | headline | newsletter | 写一首 | 写一篇 | 故事 | 作文 | 小说 | 诗 | 文案 | 物語を | 小説
            詩を | ブログ記事 | escribe un | escribe una | poema | cuento | schreibe einen | schreibe eine
            gedicht | geschichte über | écris un | écris une | poème | rédige | напиши рассказ | напиши стих
            сочинение | напиши статью
            """
        ),
        _list(
            """
            story | poem | essay | character | chapter | plot | audience | article | email | letter
            """
        ),
    ),
    Capability.DATA_SYNTHESIS: Wording(
        _list(
            """
            synthetic data | training data | training examples | training samples | instruction data
            instruction tuning | fine tuning | fine tune | finetuning | generate diverse | diverse examples
            generate variations | few shot examples | question answer pairs | qa pairs
            question and answer pairs | generate questions | dataset | data augmentation | new instructions
            diverse instructions | generate examples | more examples like | prompt completion pairs
            come up with tasks | self instruct | multi turn conversations | simulate a conversation
            teacher model | student model | distillation | distill | 训练数据 | 合成数据 | 指令数据 | 数据集
            微调 | 生成多样 | 问答对 | 蒸馏 | 学習データ | 合成データ | データセット
            質問と回答のペア | datos de entrenamiento | datos sintéticos | conjunto de datos
            pares de preguntas | trainingsdaten | synthetische daten | datensatz | frage antwort paare
            données d'entraînement | données synthétiques | jeu de données | обучающие данные
            синтетические данные | датасет | пары вопрос ответ
            """
        ),
        _list(
            """
            examples | variations | diverse | generate | samples | instructions | pairs
            """
        ),
    ),
    Capability.SAFETY: Wording(
        _list(
            """
            ignore previous instructions | ignore all previous | jailbreak | do anything now | no restrictions
            without restrictions | bypass your | bypass the filter | content policy | safety guidelines
            you must not refuse | never refuse | unfiltered | uncensored | red team | red teaming
            developer mode | pretend you have no | system prompt | reveal your instructions
            hypothetically how would | without any warnings | evade detection | 越狱 | 忽略之前的指令 | 没有限制
            绕过审查 | 安全策略 | 脱獄 | 以前の指示を無視 | 制限なし | ignora las instrucciones
            sin restricciones | ignoriere alle vorherigen | ohne einschränkungen | ignore les instructions
            sans restrictions | игнорируй предыдущие инструкции | без ограничений | джейлбрейк
            """
        )
    ),
}
"""Wordings by capability, in the order of the bits."""
